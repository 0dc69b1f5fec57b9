"""What people move: the segment explorer and the quota what-if. Everything that it draws with is on this machine."""

from salesops.widgets.explorer import SegmentExplorer, segment_explorer
from salesops.widgets.whatif import QuotaWhatIf, quota_whatif

__all__ = ["QuotaWhatIf", "SegmentExplorer", "quota_whatif", "segment_explorer"]
