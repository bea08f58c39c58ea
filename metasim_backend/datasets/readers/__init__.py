"""Pictures and their labels in: KITTI, COCO, crops, MNIST, plain pictures."""
