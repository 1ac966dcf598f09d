"""Export of diffusion models for Cross-Image Attention."""
