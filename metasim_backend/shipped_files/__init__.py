"""Scenes, assets and licence that come with the project, and where they lie."""
