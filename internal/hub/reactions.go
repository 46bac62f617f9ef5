package hub

import "slices"

// reacted is what reactions are put on: a comment, or the text of an issue or pull request.
type reacted struct {
	list *[]*reaction
	tell func(kind, content string)
}

// reacted finds the comment or issue of the path.
func (c *call) reacted() (reacted, error) {
	if _, ofComment := c.vars["comment_id"]; ofComment {
		cm, err := c.comment()
		if err != nil {
			return reacted{}, err
		}
		return reacted{&cm.reactions, func(kind, content string) { c.tellComment(cm, kind, content) }}, nil
	}
	i, err := c.issue()
	if err != nil {
		return reacted{}, err
	}
	return reacted{&i.reactions, func(kind, content string) {
		c.happen(Event{
			Actor: c.actor(), Kind: kind, Repo: i.repo.full(), Number: i.number, Text: content,
			Detail: map[string]string{"title": i.title}, URL: c.issuePage(i),
		})
	}}, nil
}

func listReactions(c *call) (answer, error) {
	on, err := c.reacted()
	if err != nil {
		return answer{}, err
	}
	all := *on.list
	if kind := c.query("content"); kind != "" {
		all = slices.DeleteFunc(slices.Clone(all), func(one *reaction) bool { return one.content != kind })
	}
	return ok(each(c, all, c.reactionJSON))
}

// createReaction answers 200 with the old one when the caller reacted so before.
func createReaction(c *call) (answer, error) {
	on, err := c.reacted()
	if err != nil {
		return answer{}, err
	}
	var in struct {
		Content string `json:"content"`
	}
	if err := c.in(&in); err != nil {
		return answer{}, err
	}
	if !slices.Contains(reactionKinds, in.Content) {
		return answer{}, invalid("Reaction", "content", "invalid", "")
	}
	for _, one := range *on.list {
		if one.user == c.who.acct && one.content == in.Content {
			return ok(c.reactionJSON(one))
		}
	}
	one := &reaction{id: c.nextID(), user: c.who.acct, content: in.Content, created: c.now()}
	*on.list = append(*on.list, one)
	on.tell("reaction.created", in.Content)
	return created(c.reactionJSON(one))
}

func deleteReaction(c *call) (answer, error) {
	on, err := c.reacted()
	if err != nil {
		return answer{}, err
	}
	id := c.num("reaction_id")
	at := slices.IndexFunc(*on.list, func(one *reaction) bool { return one.id == id })
	if at < 0 {
		return answer{}, notFound()
	}
	one := (*on.list)[at]
	if one.user != c.who.acct {
		return answer{}, forbidden("You can only delete your own reactions.")
	}
	*on.list = slices.Delete(*on.list, at, at+1)
	on.tell("reaction.deleted", one.content)
	return noContent()
}
