"""The demo: a made-up company, driven through the real pipeline in a temporary database."""
