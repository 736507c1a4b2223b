"""What `./dev rig lying-plc` is made of: the plant, the checker that stands outside of it, defects to be caught."""
