"""The proof that cross-image attention works, on scenes whose parts are known to the pixel."""
