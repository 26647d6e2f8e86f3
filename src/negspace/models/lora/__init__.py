"""LoRA files and their relatives: what they change, by how much, and models changed by them."""
