"""A simulated OpenRouter on loopback, in OpenRouter's wire format; the model's name selects the behaviour."""
