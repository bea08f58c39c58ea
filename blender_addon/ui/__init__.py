"""The add-on's panels and operators, and what joins them to the backend."""

from __future__ import annotations

import atexit

import bpy

from . import attribute_items, heartbeat, label_overlay, session, settings, training_icons
from .attribute_items import MetasimAttribute, MetasimNode
from .edit import edit_attribute
from .operators.backend_connect import METASIM_OT_backend_connect
from .operators.backend_start import METASIM_OT_backend_start
from .operators.backend_stop import METASIM_OT_backend_stop
from .operators.dataset_cancel import METASIM_OT_dataset_cancel
from .operators.dataset_start import METASIM_OT_dataset_start
from .operators.give_class import METASIM_OT_give_class
from .operators.go_to_street import METASIM_OT_go_to_street
from .operators.load_scene import METASIM_OT_load_scene
from .operators.render_labels import METASIM_OT_render_labels
from .operators.sample import METASIM_OT_sample
from .operators.save_scene import METASIM_OT_save_scene
from .operators.switch import METASIM_OT_switch
from .operators.train_pause import METASIM_OT_train_pause
from .operators.train_resume import METASIM_OT_train_resume
from .operators.train_start import METASIM_OT_train_start
from .operators.train_stop import METASIM_OT_train_stop
from .panels.backend_panel import METASIM_OT_open_preferences, METASIM_PT_backend
from .panels.dataset_panel import METASIM_PT_dataset
from .panels.render_panel import METASIM_PT_render
from .panels.scene_panel import (
    METASIM_MT_grammars,
    METASIM_PT_node,
    METASIM_PT_scene,
    METASIM_UL_nodes,
)
from .panels.train_panel import METASIM_PT_train, METASIM_PT_training
from .picture_window import draw_switch
from .preferences import MetasimPreferences

CLASSES = (
    MetasimPreferences,
    MetasimAttribute,
    MetasimNode,
    settings.MetasimScene,
    training_icons.MetasimBar,
    training_icons.MetasimWindow,
    METASIM_OT_backend_connect,
    METASIM_OT_backend_start,
    METASIM_OT_backend_stop,
    METASIM_OT_dataset_cancel,
    METASIM_OT_dataset_start,
    METASIM_OT_give_class,
    METASIM_OT_go_to_street,
    METASIM_OT_load_scene,
    METASIM_OT_open_preferences,
    METASIM_OT_render_labels,
    METASIM_OT_sample,
    METASIM_OT_save_scene,
    METASIM_OT_switch,
    METASIM_OT_train_pause,
    METASIM_OT_train_resume,
    METASIM_OT_train_start,
    METASIM_OT_train_stop,
    METASIM_UL_nodes,
    METASIM_MT_grammars,
    METASIM_PT_backend,
    METASIM_PT_scene,
    METASIM_PT_node,
    METASIM_PT_render,
    METASIM_PT_train,
    METASIM_PT_training,
    METASIM_PT_dataset,
)


def register() -> None:
    """Add everything to Blender."""
    for one in CLASSES:
        bpy.utils.register_class(one)
    bpy.types.Scene.metasim = bpy.props.PointerProperty(type=settings.MetasimScene)
    bpy.types.WindowManager.metasim = bpy.props.PointerProperty(type=training_icons.MetasimWindow)
    attribute_items.call_when_edited(edit_attribute)
    session.begin()
    atexit.register(session.end)
    heartbeat.start()
    label_overlay.start()
    bpy.types.IMAGE_HT_header.prepend(draw_switch)


def unregister() -> None:
    """Take everything out of Blender again."""
    bpy.types.IMAGE_HT_header.remove(draw_switch)
    label_overlay.stop()
    heartbeat.stop()
    atexit.unregister(session.end)
    session.end()
    del bpy.types.WindowManager.metasim
    del bpy.types.Scene.metasim
    for one in reversed(CLASSES):
        bpy.utils.unregister_class(one)
