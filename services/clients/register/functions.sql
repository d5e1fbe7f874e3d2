-- Lower case, without accents, one form of the Greek sigma: as the rule for words in Python has it, with a collation that no
-- server's locale changes.
CREATE OR REPLACE FUNCTION bare(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(regexp_replace(lower(normalize(given, NFKD) COLLATE "pg_c_utf8"), '[\u0300-\u036f]', '', 'g'), 'ς', 'σ');
-- A word of more than 2,046 bytes could not be kept; 500 characters have at most 2,000.
CREATE OR REPLACE FUNCTION plain(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN length(given) < 160 THEN bare(given)
            ELSE regexp_replace(bare(given), '(\S{250}\S{250})', '\1 ', 'g') END;
CREATE OR REPLACE FUNCTION phones(contacts jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(replace(CAST(jsonb_path_query_array(contacts, '$[*].phone') AS text), '(0)', ''), '[^0-9,]', '', 'g');
-- No sets in it, for every row that is written pays for it: names, mails and phones of the contacts are taken as the text of
-- a JSON array, whose brackets, quotes and commas part words as well as blanks do. A phone number is kept from its first
-- digit (`=`) and from its last (`#`), without leading zeros.
CREATE OR REPLACE FUNCTION search_terms(name text, contacts jsonb) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_tsvector(array_remove(
    regexp_split_to_array(plain(name || CAST(jsonb_path_query_array(contacts, '$[*].name') AS text)
                                     || CAST(jsonb_path_query_array(contacts, '$[*].email') AS text)),
                          '[^[:alnum:]]+' COLLATE "pg_c_utf8")
    || CASE WHEN contacts <> '[]' THEN
        string_to_array(translate(plain(CAST(jsonb_path_query_array(contacts, '$[*].email') AS text)), '[]",', '   '), ' ')
        || array_remove(string_to_array(regexp_replace(phones(contacts), '(^|,)0*', '\1=', 'g'), ','), '=')
        || array_remove(string_to_array(reverse(regexp_replace(phones(contacts), '(^|,)0*([0-9]*)', '\1\2#', 'g')), ','), '#')
    END
    || CASE WHEN name LIKE '%@%' THEN string_to_array(plain(name), ' ') END,
    ''));
-- Words that a client must have, or have begun: the database parts words here as it does there.
CREATE OR REPLACE FUNCTION words_query(given text) RETURNS tsquery LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CAST(replace(trim(regexp_replace(plain(given), '[^[:alnum:]]+' COLLATE "pg_c_utf8", ' ', 'g')), ' ', ':* & ')
            || CASE WHEN given ~ '[[:alnum:]]' COLLATE "pg_c_utf8" THEN ':*' ELSE '' END AS tsquery);
