"""The quota what-if: levers, what they lead to, scenarios side by side, and a face for them in a browser."""

from salesops.widgets.whatif.face import QuotaWhatIf, quota_whatif
from salesops.widgets.whatif.state import WhatIf

__all__ = ["QuotaWhatIf", "WhatIf", "quota_whatif"]
