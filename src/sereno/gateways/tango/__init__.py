"""The Tango gateway: tags and commands as Tango devices, served by a process of its own."""
