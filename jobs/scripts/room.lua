-- Whether a caller may make one more job, for who would have much to do before `create`. ARGV: '', the caller and its limits
-- as JSON. Answers 'ok', or 'limited', then the name of the limit and how many ms until it may, -1 where nobody knows.
local refused = refusal(cjson.decode(ARGV[2]))
return refused or 'ok'
