-- What HAProxy asks for each write: `txn.reason` is set where it is refused.
local rule = require "establishment"
rule.load(os.getenv("ESTABLISHMENTS"))

core.register_action("judge", { "http-req" }, function(txn)
  local partner = txn:get_var("txn.partner")
  local method, body = txn.sf:method(), txn.sf:req_body()
  local reason
  if method == "PATCH" then
    if not rule.permits(partner, rule.in_query(txn.sf:url_param("identifier"))) then
      reason = "establishment-not-permitted"
    elseif not rule.aims_right(body) then
      reason = "establishment-ambiguous"
    end
  elseif method ~= "POST" then
    reason = "write-not-described"
  elseif not rule.permits(partner, rule.in_organization(body)) then
    reason = "establishment-not-permitted"
  end
  if reason then txn:set_var("txn.reason", reason) end
end)
