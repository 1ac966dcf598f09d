"""Cameras of machine vision: GigE Vision and USB3 Vision through Aravis, others through GenTL."""
