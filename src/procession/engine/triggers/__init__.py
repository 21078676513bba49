"""What starts, resumes or interrupts: one file per event definition of the standard."""
