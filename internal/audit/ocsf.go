package audit

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/keyreeve/keyreeve/internal/identity"
)

// ocsfVersion is the version of the Open Cybersecurity Schema Framework that is written.
const ocsfVersion = "1.3.0"

// The classes that entries come under, by their uid, and the activities of them that are used.
// https://schema.ocsf.io/1.3.0/classes/user_access, …/entity_management, …/api_activity
const (
	classEntityManagement = 3004 // a request, a decision or a lease changed; the log was archived
	classUserAccess       = 3005 // access was granted or revoked, or that was tried, or read back
	classAPIActivity      = 6003 // a delivery came in; an effect at GitHub other than access

	entityUpdate     = 3
	assignPrivileges = 1
	revokePrivileges = 2
	apiCreate        = 1
	apiUpdate        = 3
)

type ocsfEvent struct {
	ActivityID  int            `json:"activity_id"`
	CategoryUID int            `json:"category_uid"`
	ClassUID    int            `json:"class_uid"`
	TypeUID     int            `json:"type_uid"`
	Time        int64          `json:"time"` // milliseconds since 1970
	SeverityID  int            `json:"severity_id"`
	StatusID    int            `json:"status_id"`
	Status      string         `json:"status"`
	Message     string         `json:"message"`
	Metadata    ocsfMetadata   `json:"metadata"`
	Actor       ocsfActor      `json:"actor"`
	Entity      *ocsfEntity    `json:"entity,omitempty"`
	User        *ocsfUser      `json:"user,omitempty"`
	Privileges  []string       `json:"privileges,omitempty"`
	Resource    *ocsfEntity    `json:"resource,omitempty"`
	API         *ocsfAPI       `json:"api,omitempty"`
	Source      *ocsfEndpoint  `json:"src_endpoint,omitempty"`
	RawData     string         `json:"raw_data"` // the canonical entry, by which it can be proven
	Unmapped    map[string]any `json:"unmapped,omitempty"`
}

type ocsfMetadata struct {
	Version   string      `json:"version"`
	Product   ocsfProduct `json:"product"`
	UID       string      `json:"uid"`
	Sequence  int64       `json:"sequence"`
	EventCode string      `json:"event_code"`
	LogName   string      `json:"log_name,omitempty"`
	TenantUID string      `json:"tenant_uid,omitempty"`
	Labels    []string    `json:"labels,omitempty"` // the controls
}

type ocsfProduct struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
	Version    string `json:"version,omitempty"`
}

type ocsfActor struct {
	User    *ocsfUser `json:"user,omitempty"`
	AppName string    `json:"app_name,omitempty"`
}

type ocsfUser struct {
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
}

type ocsfEntity struct {
	Name string `json:"name"`
	UID  string `json:"uid,omitempty"`
	Type string `json:"type,omitempty"`
}

type ocsfAPI struct {
	Operation string `json:"operation"`
}

type ocsfEndpoint struct {
	ServiceName string `json:"svc_name"`
}

// ocsf is an entry as an event of OCSF.
func ocsf(r Row, s Source) ([]byte, error) {
	var e Entry
	if err := json.Unmarshal(r.Canonical, &e); err != nil {
		return nil, err
	}
	o := ocsfEvent{
		Time: e.At.UnixMilli(), SeverityID: 1, StatusID: 1, Status: "Success", Message: e.What, RawData: string(r.Canonical),
		Metadata: ocsfMetadata{
			Version: ocsfVersion, Product: ocsfProduct{"keyreeve", "keyreeve", s.Version}, UID: strconv.FormatInt(e.Seq, 10), Sequence: e.Seq,
			EventCode: string(e.Step), LogName: s.Origin, Labels: e.Controls,
		},
		Actor: actorOf(e.Actor),
	}
	if e.Installation != 0 {
		o.Metadata.TenantUID = strconv.FormatInt(e.Installation, 10)
	}
	switch e.Step {
	case Failed:
		o.SeverityID, o.StatusID, o.Status = 3, 2, "Failure"
	case IsStuck:
		o.SeverityID, o.StatusID, o.Status = 4, 2, "Failure"
	case Intended:
		o.StatusID, o.Status = 99, "Intended"
	case Received, Decided, Applied, Verified, Changed, Archived, Revoked, Expired, Swept, Configured:
	}
	if e.Ref != "" {
		o.Unmapped = map[string]any{"ref": e.Ref}
	}
	o.classify(e)
	o.CategoryUID, o.TypeUID = o.ClassUID/1000, o.ClassUID*100+o.ActivityID
	return json.Marshal(o)
}

func actorOf(p *identity.Person) ocsfActor {
	if p == nil {
		return ocsfActor{AppName: "keyreeve"}
	}
	u := ocsfUser{Name: p.Login}
	if p.ID != 0 {
		u.UID = strconv.FormatInt(p.ID, 10)
	}
	return ocsfActor{User: &u}
}

// classify sets the class, the activity, and what is particular to them.
func (o *ocsfEvent) classify(e Entry) {
	if a, ok := accessOf(e); ok {
		o.ClassUID, o.ActivityID = classUserAccess, assignPrivileges
		if a.revoke {
			o.ActivityID = revokePrivileges
		}
		o.User, o.Privileges, o.Resource = &ocsfUser{Name: a.principal}, []string{a.level}, &ocsfEntity{Name: a.resource}
		return
	}
	switch e.Step {
	case Received:
		o.ClassUID, o.ActivityID = classAPIActivity, apiCreate
		o.Actor = ocsfActor{AppName: "GitHub"}
		o.API, o.Source = &ocsfAPI{strings.TrimPrefix(e.What, "receive ")}, &ocsfEndpoint{"GitHub"}
	case Intended, Applied, Failed, Verified:
		o.ClassUID, o.ActivityID = classAPIActivity, apiUpdate
		o.API, o.Source = &ocsfAPI{e.What}, &ocsfEndpoint{"keyreeve"}
	case Decided, Changed, IsStuck, Archived, Revoked, Expired, Swept, Configured:
		o.ClassUID, o.ActivityID = classEntityManagement, entityUpdate
		o.Entity = &ocsfEntity{Name: e.Subject, UID: e.Ref}
	default:
		o.ClassUID, o.ActivityID = classEntityManagement, entityUpdate
		o.Entity = &ocsfEntity{Name: e.Subject, UID: e.Ref}
	}
}

// access is what an entry about an effect on an access speaks of.
type access struct {
	revoke                     bool
	resource, principal, level string
}

// accessOf reads "grant github/acme/payments/user:deploy-bot write" and "revoke … to none", as workflow.SetAccess says it.
func accessOf(e Entry) (a access, ok bool) {
	verb, rest, _ := strings.Cut(e.What, " ")
	name, level, ok := strings.Cut(rest, " ")
	if a.revoke = verb == "revoke"; !ok || verb != "grant" && !a.revoke {
		return access{}, false
	}
	if a.revoke {
		if level, ok = strings.CutPrefix(level, "to "); !ok {
			return access{}, false
		}
	}
	at := strings.Index(name, ":")
	if at < 0 || strings.ContainsRune(level, ' ') {
		return access{}, false
	}
	slash := strings.LastIndex(name[:at], "/")
	if slash < 0 {
		return access{}, false
	}
	a.resource, a.principal, a.level = name[:slash], name[slash+1:], level
	return a, true
}

// OCSFEvent is an entry as one event of OCSF, in JSON, as Exporter writes it.
func OCSFEvent(r Row, s Source) ([]byte, error) { return ocsf(r, s) }
