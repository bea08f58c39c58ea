"""The camera model in torch: batches of linear light become pictures, with an exact gradient."""
