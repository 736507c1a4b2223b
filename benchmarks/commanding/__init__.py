"""What `./dev rig commands` is made of: a node to be killed, a device that counts, people who press twice."""
