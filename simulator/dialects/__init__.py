"""The wire formats in which the simulator is asked and answers; a behaviour is written once for all."""
