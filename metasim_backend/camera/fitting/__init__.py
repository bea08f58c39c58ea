"""A camera model fitted to photographs without labels, against renders of a grammar's prior.

The contents of photographs and renders are not the same scenes, so only statistics are compared,
each of which one part of the camera decides. Each file fits one part.
"""
