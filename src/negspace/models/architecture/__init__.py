"""What the families share: their parts, autoencoders, and bases for UNets and transformers."""
