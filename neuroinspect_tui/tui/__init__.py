"""The terminal face: screens, widgets and pictures. Nothing here imports torch or numpy at first paint."""
