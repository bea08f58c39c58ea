"""The line that says whose settings a panel shows, in a scene that has no street."""

from ..street_in_file import street_scene


def draw_whose(layout, context):
    """Draw it where the window's scene is not the street's.

    Returns:
        The settings to show: those that the buttons use.
    """
    scene = street_scene(context)
    if scene is None:
        return context.scene.metasim
    if scene != context.scene:
        row = layout.row(align=True)
        row.label(text=f"Of the scene {scene.name}", icon="SCENE_DATA")
        row.operator("metasim.go_to_street", text="Show")
    return scene.metasim
