"""What tests of penstock itself, and of applications on it, are made with: disks that crash, processes, time."""
