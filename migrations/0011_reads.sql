-- What the search for orders finds, by the index of 0015_words_index (docs/adr/0018-searching-orders.md).

-- A text in small letters, with spaces for its punctuation.
CREATE FUNCTION commerce_spaced(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT translate(lower(given), E'!"#$%&''()*+,-./:;<=>?@[\\]^_`{|}~\t\n\r' || chr(160), repeat(' ', 36)) $$;

-- An order's words: of its number and its customer's name, and the e-mail address as one (few words: each costs at every write).
-- Each begins with its organization, so that a search never walks through other tenants' customers of the same name.
-- One expression of immutable functions, so that PostgreSQL puts it in place of the call: it is computed for every row written.
CREATE FUNCTION commerce_words(org uuid, number text, name text, email text) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_to_tsvector(array_remove(string_to_array(left(org::text, 8) || replace(
    public.commerce_spaced(left(number, 100) || ' ' || left(name, 200)) || ' ' || replace(lower(left(email, 254)), ' ', ''), ' ', ' ' || left(org::text, 8)), ' '), left(org::text, 8)))
$$;

-- What was typed, as a query: every word of it begins a word of the order. NULL where it has none.
CREATE FUNCTION commerce_asked(org uuid, typed text) RETURNS tsquery LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT string_agg('''' || left(org::text, 8) || replace(replace(w.word, '\', '\\'), '''', '''''') || ''':*', ' & ')::tsquery
  FROM (SELECT w.word FROM unnest(string_to_array(left(typed, 200), ' ')) t
        CROSS JOIN unnest(string_to_array(CASE WHEN t LIKE '%_@_%' THEN lower(t) ELSE commerce_spaced(t) END, ' ')) w(word)
        WHERE w.word <> '' LIMIT 12) w
$$;
