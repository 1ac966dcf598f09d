"""Time bundles on the engines of this machine."""
