"""TensorRT: plans built from a bundle's graphs, kept, and run, by itself or in ONNX Runtime."""
