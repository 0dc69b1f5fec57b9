"""What people move: the segment explorer, shown in JupyterLab. Everything that it draws with is on this machine."""

from salesops.widgets.explorer import SegmentExplorer, segment_explorer

__all__ = ["SegmentExplorer", "segment_explorer"]
