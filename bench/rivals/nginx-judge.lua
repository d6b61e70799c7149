-- What nginx asks for each request.
local rule = require "establishment"
local judge = { load = rule.load }

local function refuse(status, reason)
  ngx.var.decision = "deny"
  ngx.var.reason = reason
  ngx.status = status
  ngx.header.content_type = "application/json"
  local body = '{"reason":"' .. reason .. '"}'
  ngx.header.content_length = #body
  ngx.print(body)
  return ngx.exit(status)
end

function judge.listed()
  if ngx.var.partner == "" then return refuse(403, "certificate-not-listed") end
end

function judge.write()
  local partner = ngx.var.partner
  if partner == "" then return refuse(403, "certificate-not-listed") end
  local method, path = ngx.req.get_method(), ngx.var.uri
  local is_patch = method == "PATCH" and path == "/ws-synchro-dispo-lits-fhir/Location"
  local is_post = method == "POST" and path == "/ws-synchro-dispo-lits-fhir/Organization"
  if not is_patch and not is_post then return refuse(403, "write-not-described") end
  if is_patch and not rule.permits(partner, rule.in_query(ngx.req.get_uri_args(5).identifier)) then
    return refuse(403, "establishment-not-permitted")
  end
  ngx.req.read_body()
  local body = ngx.req.get_body_data() or ""
  if is_patch then
    if not rule.aims_right(body) then return refuse(403, "establishment-ambiguous") end
  elseif not rule.permits(partner, rule.in_organization(body)) then
    return refuse(403, "establishment-not-permitted")
  end
end

function judge.count(outcomes)
  local partner = ngx.var.partner
  outcomes:incr(partner .. " " .. ngx.var.decision .. " " .. ngx.status, 1, 0)
end

return judge
