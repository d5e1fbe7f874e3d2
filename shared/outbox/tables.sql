-- Gone in a moment: packing and unpacking what a bulk message brings would cost more than it saves.
ALTER TABLE deliveries ALTER COLUMN body SET STORAGE EXTERNAL;
