"""An image or its recipe as files, and its bill of materials."""
