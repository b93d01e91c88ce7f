"""Values in words: one module for each kind of result. Names come out as they are; faces make them safe."""
