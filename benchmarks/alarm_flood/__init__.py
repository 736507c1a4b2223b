"""The parts of ./dev rig alarm-flood."""
