"""A running line in a factory: its status, events and styles over MQTT and OPC UA."""
