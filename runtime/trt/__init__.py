"""TensorRT, direct: plans built from a bundle's graphs, kept, and run through CUDA."""
