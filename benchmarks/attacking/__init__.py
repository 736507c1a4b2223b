"""What the rig of attacks is made of."""
