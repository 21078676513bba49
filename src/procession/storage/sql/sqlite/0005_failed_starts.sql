-- What a refused start was to begin with: so that it can be mended and started again.

ALTER TABLE failed_start ADD COLUMN start_condition TEXT;
ALTER TABLE failed_start ADD COLUMN business_key TEXT;
