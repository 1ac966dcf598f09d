"""The control page: see a running line in a browser and steer it. Needs the extra `control`."""
