"""Data sets out: COCO, KITTI, YOLO, WebDataset and Hugging Face's image folder."""
