"""The worlds: what a domain's scene graphs show, what draws them, and what is learned in them."""
