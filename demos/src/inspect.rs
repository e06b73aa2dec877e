//! A captured byte stream, annotated for a person or as JSON lines.
