// The paths of what api-smart-diff calls breaking between two OpenAPI documents, which come as one JSON list on standard input.
import { readFileSync } from "node:fs";
import { apiCompare } from "api-smart-diff";

const { diffs } = apiCompare(...JSON.parse(readFileSync(0, "utf8")));
console.log(JSON.stringify(diffs.filter((diff) => diff.type === "breaking").map((diff) => diff.path)));
