-- The rules of the gateway's configuration in Lua, for nginx (LuaJIT) and HAProxy (Lua 5.3): which
-- establishments a write names, and whether its patch aims at what the rule describes.
local cjson = require "cjson.safe"
local rule = {}

local finess = "^1[0-9][0-9A-Z][0-9][0-9][0-9][0-9][0-9][0-9][0-9]$"
local systems = {
  ["urn:oid:1.2.250.1.71.4.2.2"] = "",
  ["https://finess.esante.gouv.fr"] = "1",
  ["http://finess.esante.gouv.fr"] = "1",
  ["http://finess.sante.gouv.fr"] = "1",
}
local kinds = { add = true, insert = true, delete = true, replace = true, move = true }
-- elements that say whose a Location is
local fixed = { identifier = true, partOf = true, managingOrganization = true }

-- "PARTNER FINESS FINESS…" a line
function rule.load(path)
  rule.lists = {}
  for line in io.lines(path) do
    local list, partner = {}, nil
    for word in line:gmatch("%S+") do
      if partner then list["1" .. word] = true else partner = word end
    end
    rule.lists[partner] = list
  end
end

-- `1350054680/UNIT`: undefined where it is something else
function rule.in_query(identifier)
  local number = type(identifier) == "string" and identifier:match("^([^/]+)/[A-Za-z0-9]+$")
  if number and number:find(finess) then return { number } end
end

-- every identifier of an Organization whose system is a national one
function rule.in_organization(text)
  local body = cjson.decode(text)
  if type(body) ~= "table" or body.resourceType ~= "Organization" then return nil end
  if type(body.identifier) ~= "table" then return nil end
  local found = {}
  for _, identifier in ipairs(body.identifier) do
    local prefix = systems[identifier.system]
    if prefix then
      local number = prefix .. tostring(identifier.value)
      if not number:find(finess) then return nil end
      found[#found + 1] = number
    end
  end
  return found
end

-- every operation of a FHIRPath Patch aims below Location, and at nothing that says whose it is
function rule.aims_right(text)
  local body = cjson.decode(text)
  if type(body) ~= "table" or body.resourceType ~= "Parameters" then return false end
  if type(body.parameter) ~= "table" or #body.parameter == 0 then return false end
  for _, operation in ipairs(body.parameter) do
    if operation.name ~= "operation" or type(operation.part) ~= "table" then return false end
    local kind, path
    for _, part in ipairs(operation.part) do
      if part.name == "type" then kind = part.valueCode or part.valueString end
      if part.name == "path" then path = part.valueString end
    end
    if not kinds[kind] or type(path) ~= "string" then return false end
    local element = path:match("^Location%.([A-Za-z]+)")
    if not element or fixed[element] then return false end
  end
  return true
end

-- all of them, and never none
function rule.permits(partner, numbers)
  local list = rule.lists[partner]
  if not list or not numbers or #numbers == 0 then return false end
  for _, number in ipairs(numbers) do
    if not list[number] then return false end
  end
  return true
end

return rule
