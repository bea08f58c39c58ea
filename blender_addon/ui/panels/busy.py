"""The line that says what is being waited for."""

from ..session import session


def draw_busy(layout, context, panel_doing=()):
    """Draw a progress bar when an operator is waiting for one of these."""
    now = session()
    if not now.busy or (panel_doing and now.busy not in panel_doing):
        return
    row = layout.row()
    row.enabled = False
    if now.busy_share > 0:
        row.prop(context.window_manager.metasim, "progress", text=now.busy, slider=True)
    else:
        row.label(text=f"{now.busy} … (ESC cancels)", icon="SORTTIME")
