"""The three phases: pre-training, distribution matching, task optimisation."""
