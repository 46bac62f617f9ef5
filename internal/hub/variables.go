package hub

import (
	"strings"
)

type variableBody struct {
	Name       string  `json:"name"`
	Value      *string `json:"value"`
	Visibility string  `json:"visibility"`
	RepoIDs    []any   `json:"selected_repository_ids"`
}

func createVariable(in namedIn) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		home, err := c.home()
		if err != nil {
			return answer{}, err
		}
		var body variableBody
		if err := c.in(&body); err != nil {
			return answer{}, err
		}
		key := namedKey{in.store, true, strings.ToUpper(body.Name)}
		switch err := checkName(key.name); {
		case err != nil:
			return answer{}, err
		case body.Value == nil:
			return answer{}, unprocessable("Invalid request.\n\n\"value\" wasn't supplied.")
		case home[key] != nil:
			return answer{}, conflict("Already exists - Variable already exists")
		}
		c.setNamed(home, key, *body.Value, body.Visibility)
		home[key].selected = selectedIDs(body.RepoIDs)
		c.tellNamed(in, key, "changed")
		return created(map[string]any{})
	}
}

func patchVariable(in namedIn) func(*call) (answer, error) {
	return func(c *call) (answer, error) {
		home, key, err := c.one(in)
		if err != nil {
			return answer{}, err
		}
		if home[key] == nil {
			return answer{}, notFound()
		}
		var body variableBody
		if err := c.in(&body); err != nil {
			return answer{}, err
		}
		value := home[key].value
		if body.Value != nil {
			value = *body.Value
		}
		c.setNamed(home, key, value, home[key].visibility)
		c.tellNamed(in, key, "changed")
		return noContent()
	}
}
