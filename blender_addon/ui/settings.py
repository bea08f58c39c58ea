"""What a Blender scene keeps for Meta-Sim, saved in the .blend; and its defaults."""

import bpy

from ..contract.panel import FORMATS
from ..contract.phases import PHASES
from .attribute_items import MetasimNode
from .picture_window import CHANNELS, show_channel

MOST_SEED = 2**31 - 1
_PRESETS = (
    ("draft", "Draft", "1 sample a pixel: in a moment"),
    ("train", "Train", "4 samples a pixel: what training renders"),
    ("export", "Export", "9 samples a pixel: smooth edges, for pictures that are kept"),
)


def _chosen(settings, context):
    from .selection import select_node

    select_node(context, settings.id_data, settings.active_node)


def _redraw(settings, context):
    from .redraw import redraw_views

    redraw_views()


def _resized(settings, context):
    from .picture_size import size_picture
    from .session import session

    if settings.graph:
        size_picture(settings.id_data)
        session().views.fit(context, settings.id_data)


def _switched(settings, context):
    show_channel(settings)


def _filled(*panels):
    """An update that takes away the errors of panels: what they asked for may be there now."""

    def update(settings, context):
        from .session import session

        for panel in panels:
            session().said.pop(panel, None)

    return update


class MetasimScene(bpy.types.PropertyGroup):
    """Settings of the panels, and the street's scene graphs as text."""

    # The street
    grammar: bpy.props.StringProperty(
        name="Grammar",
        description="The grammar file that scenes are drawn from. Empty: the driving street that "
        "comes with the backend",
        subtype="FILE_PATH",
        update=_filled("scene", "train", "dataset"),
    )
    seed: bpy.props.IntProperty(
        name="Seed",
        description="Which scene of the grammar is drawn; the same seed gives the same scene",
        default=0,
        min=0,
        max=MOST_SEED,
    )
    run: bpy.props.StringProperty(
        name="Run",
        description="The folder of a training run: training writes it, and the learned scenes and "
        "data sets come from its last checkpoint",
        subtype="DIR_PATH",
        update=_filled("scene", "train", "dataset"),
    )
    graph: bpy.props.StringProperty(options={"HIDDEN"})
    prior_graph: bpy.props.StringProperty(options={"HIDDEN"})
    learned_graph: bpy.props.StringProperty(options={"HIDDEN"})
    learned_run: bpy.props.StringProperty(options={"HIDDEN"})
    classes: bpy.props.StringProperty(options={"HIDDEN"})
    children: bpy.props.StringProperty(options={"HIDDEN"})
    shown: bpy.props.EnumProperty(
        name="Shown",
        description="Whether the scene is shown as the grammar drew it or as the run changes it",
        items=(
            ("PRIOR", "Prior", "As the grammar drew it"),
            ("LEARNED", "Learned", "As the run's distribution transformer changes it"),
        ),
    )
    nodes: bpy.props.CollectionProperty(type=MetasimNode)
    active_node: bpy.props.IntProperty(
        name="Node", description="The node whose attributes are shown below", update=_chosen
    )

    # Rendering
    preset: bpy.props.EnumProperty(
        name="Preset",
        description="How good pictures are; labels do not depend on it",
        items=_PRESETS,
        default="export",
    )
    engine: bpy.props.EnumProperty(
        name="Engine",
        description="What renders the picture; the labels always come from Cycles",
        items=(
            ("cycles", "Cycles", "Traces rays: slow, lifelike"),
            ("eevee", "EEVEE", "Rasterises: fast with a graphics card"),
            ("workbench", "Workbench", "Plain shading, no shadows of things on each other"),
        ),
        default="cycles",
    )
    device: bpy.props.EnumProperty(
        name="Device",
        description="What Cycles computes on",
        items=(
            ("cpu", "CPU", "The processor: the same picture on every machine"),
            ("auto", "GPU if any", "A graphics card that Cycles can use, else the processor"),
        ),
        default="cpu",
    )
    width: bpy.props.IntProperty(
        name="Width",
        description="Width of the picture",
        subtype="PIXEL",
        default=640,
        min=16,
        max=8192,
        update=_resized,
    )
    height: bpy.props.IntProperty(
        name="Height",
        description="Height of the picture",
        subtype="PIXEL",
        default=384,
        min=16,
        max=8192,
        update=_resized,
    )
    render_folder: bpy.props.StringProperty(
        name="Folder",
        description="Where rendered pictures and their labels are written. Empty: they are only "
        "shown",
        subtype="DIR_PATH",
        update=_filled("render"),
    )
    channel: bpy.props.EnumProperty(
        name="Shown",
        description="What the image editor shows of the rendered picture and its labels",
        items=tuple((key, one[0], one[1]) for key, one in CHANNELS.items()),
        default="BOXES",
        update=_switched,
    )
    show_boxes: bpy.props.BoolProperty(
        name="Boxes",
        description="Draw the visible boxes over the rendered picture and the camera's view",
        default=True,
        update=_redraw,
    )
    show_masks: bpy.props.BoolProperty(
        name="Masks",
        description="Tint each labelled object's pixels",
        default=False,
        update=_redraw,
    )
    show_names: bpy.props.BoolProperty(
        name="Names",
        description="Write each labelled object's class over its box",
        default=True,
        update=_redraw,
    )

    # Training
    target: bpy.props.StringProperty(
        name="Target pictures",
        description="The folder of real pictures that the scenes shall come to look like",
        subtype="DIR_PATH",
        update=_filled("train"),
    )
    validation: bpy.props.StringProperty(
        name="Labelled pictures",
        description="A folder of labelled real pictures (KITTI or COCO form) that the task network "
        "is scored on; only the task phase needs it",
        subtype="DIR_PATH",
        update=_filled("train"),
    )
    phases: bpy.props.EnumProperty(
        name="Phases",
        description="What is done, in this order",
        items=tuple((p.name, p.label, p.purpose, 2**i) for i, p in enumerate(PHASES)),
        options={"ENUM_FLAG"},
        default={"pretrain", "match"},
    )
    overrides: bpy.props.StringProperty(
        name="Settings",
        description="Other settings of the run, separated by spaces, such as surrogate.rounds=4",
        update=_filled("train"),
    )

    # Data set
    dataset_from: bpy.props.EnumProperty(
        name="Scenes",
        description="Which scenes the data set shows",
        items=(
            ("RUN", "Learned", "Scenes as the run's transformer changes them"),
            ("PRIOR", "Prior", "Scenes as the grammar draws them"),
        ),
        default="PRIOR",
    )
    dataset_count: bpy.props.IntProperty(
        name="Pictures", description="How many pictures", default=100, min=1, max=1_000_000
    )
    dataset_format: bpy.props.EnumProperty(
        name="Format",
        description="How the labels are written",
        items=tuple((name, name.upper(), f"Labels as {name.upper()} has them") for name in FORMATS),
    )
    dataset_preset: bpy.props.EnumProperty(
        name="Preset",
        description="How good the data set's pictures are; labels do not depend on it",
        items=_PRESETS,
        default="train",
    )
    dataset_folder: bpy.props.StringProperty(
        name="Folder",
        description="Where the data set is written",
        subtype="DIR_PATH",
        update=_filled("dataset"),
    )
