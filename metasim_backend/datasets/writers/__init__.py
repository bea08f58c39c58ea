"""Data sets out: COCO, KITTI and YOLO."""
