"""An OpenRouter on loopback, in OpenRouter's wire format; the model's name picks how it behaves."""
