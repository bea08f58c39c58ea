"""Pictures in, data sets out: targets, labelled pictures, writers of COCO, KITTI and YOLO."""
