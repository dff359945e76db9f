"""The daemon, the command line, the settings: the only room that builds things."""
