"""Render the street with labels; needs no backend."""

import os
import threading
from concurrent.futures import Future
from dataclasses import replace

import bpy

from ...capture import engines, exr
from ...capture.flow import Viewpoint
from ...capture.picture import for_labels, frame_of, gain_of, prepare, render
from ...contract.frames import RenderSettings
from ...contract.presets import with_preset
from ..frame_files import write_frame
from ..frame_images import frame_pixels, labels_text, to_images
from ..hand_edits import take_in
from ..paths import absolute
from ..picture_size import size_picture
from ..picture_window import open_picture
from ..redraw import redraw_views
from ..render_job import RenderJob
from ..session import session
from ..street_in_file import shown_graph, street_scene
from ..waiting import Waiting


class METASIM_OT_render_labels(Waiting, bpy.types.Operator):
    """Render the scene and label every object: masks, boxes, classes and depth"""

    bl_idname = "metasim.render_labels"
    bl_label = "Render with Labels"
    bl_options = {"UNDO"}
    panel = "render"
    doing = "Rendering"

    folder: bpy.props.StringProperty(
        name="Folder",
        description="Where picture and labels are written; empty: the scene's, or nowhere",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    stem: bpy.props.StringProperty(
        name="Name",
        description="The files' common name; empty: the seed, as in 000007",
        options={"SKIP_SAVE"},
    )
    noise: bpy.props.IntProperty(
        name="Noise seed", description="The renderer's noise", min=0, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context):
        return street_scene(context) is not None

    def steps(self, context):
        scene = street_scene(context)
        take_in(scene)
        graph, text = shown_graph(scene), scene.metasim.graph
        settings = render_settings(scene.metasim, self.noise)
        stage = session().street.stage(scene)
        stage.light_pictures()
        stage.objects()  # numbers users' own objects
        try:
            if self.options.is_invoke and not bpy.app.background:
                frame = yield from rendered_beside(stage, settings)
            else:
                frame = render(stage, settings)
        finally:
            session().street.light_views(scene)
            size_picture(scene)
        folder = absolute(self.folder or scene.metasim.render_folder)
        stem = self.stem or f"{graph.seed % 10**6:06d}"
        pixels = yield in_thread(lambda: finished(frame, graph, folder, stem))
        to_images(pixels, labels_text(frame), text)
        session().written = os.path.join(folder, f"{stem}.png") if folder else ""
        if self.options.is_invoke:
            open_picture(context, scene.metasim)
        redraw_views()


def finished(frame, graph, folder, stem):
    """Files, where they are wanted, and pixels for Blender's images."""
    if folder:
        write_frame(folder, stem, frame, graph)
    return frame_pixels(frame)


def render_settings(own, noise=0):
    """The panel's settings as the renderer's.

    Raises:
        RenderSettingsError: when they cannot be used.
    """
    settings = RenderSettings(own.width, own.height, seed=noise, device=own.device)
    return replace(with_preset(settings, own.preset), engine=own.engine)


def rendered_beside(stage, settings):
    """Steps that render a frame while the window goes on."""
    scene = stage.blender_scene
    rendered_by = engines.description(settings)
    objects, view = stage.objects(), Viewpoint.of(stage, settings.width, settings.height)
    gain = gain_of(stage, settings)
    labelled_at_once = settings.engine == "cycles"
    prepare(stage, settings, passes=labelled_at_once)
    picture = yield RenderJob(scene)
    passes = picture
    if not labelled_at_once:
        prepare(stage, for_labels(settings), passes=True)
        passes = yield RenderJob(scene)

    def put_together():
        channels = exr.read(picture)
        seen = channels if passes is picture else exr.read(passes)
        return frame_of(channels, seen, settings, objects, view, rendered_by, gain)

    return (yield in_thread(put_together))


def in_thread(work):
    """A future of what a function without Blender returns."""
    future: Future = Future()

    def run():
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=run, name="metasim frame", daemon=True).start()
    return future
